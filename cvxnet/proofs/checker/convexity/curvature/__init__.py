"""How normal forms bend: proofs about the sums and the second derivatives of `..forms`.

Read `normal_form` (the kind of that name, and the table of terms that bend one way), with `parts`
and `products` (the terms), `domain` (their signs), `bending` and `piecewise` (functions of one
number), `gram` (sums of squares); then `hessians` (kind "hessian") and `signs`, which proves that a
second derivative is not negative.
"""
