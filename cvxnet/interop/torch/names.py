"""What torch calls things: other names of functions, and what to write in place of some."""

from __future__ import annotations

INSTEAD = {
    "LogSoftmax": 'leave it out: loss="cross_entropy" takes the scores before it',
    "LogSigmoid": 'leave it out where it ends the network: loss="logistic" takes the score before',
    "GroupNorm": "its statistics are those of each sample; BatchNorm has fixed ones",
    "InstanceNorm2d": "its statistics are those of each sample; BatchNorm2d has fixed ones",
    "InstanceNorm1d": "its statistics are those of each sample; BatchNorm1d has fixed ones",
    "ModuleList": "it has no forward; write torch.nn.Sequential(*modules)",
    "ModuleDict": "it has no forward; write torch.nn.Sequential of its modules",
    "Mish": "torch.nn.SiLU is close to it",
    "Hardswish": "torch.nn.SiLU is close to it",
    "Hardsigmoid": "torch.nn.Hardtanh(0, 1) after a Linear layer with x / 6 + 1/2 is the same",
    "Conv1d": "write it as a Conv2d on images of height 1, or as the Linear layer that it is",
    "Embedding": "give the network the rows that it looks up",
}
"""What to write in place of some modules that cvxnet lacks."""

ALIASES = {
    **{"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "truediv": "div"},
    **{"multiply": "mul", "divide": "div", "true_divide": "div", "subtract": "sub"},
    **{"negative": "neg", "absolute": "abs", "clip": "clamp", "mm": "matmul", "max": "maximum"},
    **{"min": "minimum", "view_as": "reshape", "imatmul": "matmul", "ipow": "pow"},
    **{"clamp_min": "maximum", "clamp_max": "minimum", "reshape_as": "reshape"},
}
"""Other names of the same."""

CONSTANT = {
    *("size", "dim", "ndimension", "numel", "shape", "ndim", "dtype", "device", "is_cuda"),
    *("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "new_tensor"),
    *("get_device", "requires_grad", "is_floating_point"),
}
"""What does not depend on the numbers in the tensor that it is asked of."""

ADVICE = {
    "cat": "a Linear layer on two tensors side by side is the sum of two: self.a(x) + self.b(z)",
    "maximum": "the largest column is x.amax(dim=1)",
    "log_softmax": INSTEAD["LogSoftmax"],
    "logsigmoid": INSTEAD["LogSigmoid"],
    "log_sigmoid": INSTEAD["LogSigmoid"],
    "group_norm": INSTEAD["GroupNorm"],
    "normalize": "normalise the data before the network",
    "getitem": "a choice of columns is a Linear layer; else make it before the network",
    "transpose": "images are (channels, height, width); turn the data before the network",
    "einsum": "write it as torch.nn.Linear",
    "sum": "write it as torch.nn.Linear with weights of one",
    "exp": "torch.nn.ELU and torch.nn.Softplus are made of it",
    "where": "a kink is torch.nn.ReLU, LeakyReLU or Hardtanh",
}
ADVICE |= dict.fromkeys(("concat", "concatenate", "hstack", "stack"), ADVICE["cat"])
ADVICE |= dict.fromkeys(("permute", "movedim", "t", "T", "mT"), ADVICE["transpose"])
ADVICE |= dict.fromkeys(("gt", "lt", "ge", "le", "eq"), ADVICE["where"])
"""What to write in place of some functions that cvxnet lacks."""
