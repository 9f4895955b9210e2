"""How far from the exact optimum do gradient training, sampled gates and gated units stay?

Two-layer ReLU networks with weight decay beta; the optimum is that over networks of every width.

* Widths (Pilanci and Ergen 2020, their figure of SGD on five points): SGD with momentum, Adam and
  L-BFGS by width, on the five points and on 40 samples of a planted network; share of runs within
  1 % and excess over the proved optimum. L-BFGS also from N(0,1), as the reference numbers were
  made. `python -m experiments compare` does this longer, on real data.
* Gates (their code, and Kim and Pilanci 2024): instead of all cells of the arrangement take those
  that k Gaussian gates hit. How many are missed, how much of all directions do they hold, and what
  does it cost: in the program of those cells, and in its relaxation by gated units?
* Gated units (Mishkin, Sahiner and Pilanci 2022): p*_gated <= p*_ReLU <= the network that the cone
  decomposition makes of the gated optimum, with every cell as a gate, by beta.

Sources: Pilanci and Ergen, arXiv 2002.10553, equation (8), and their code; Mishkin et al., arXiv
2202.01331; Kim and Pilanci, arXiv 2402.03625. The authors' toy is drawn again with NumPy's old
generator. Reference numbers are our own, computed before with other code: of these problems the
papers tell what is seen, but hardly a number.

    python -m experiments pilanci2020 [--quick] [--seeds 20] [--out DIR]

--seeds: networks of each width, and draws of the gates. 10,000 epochs on the five points instead
of 5,000 would take some four minutes more. What cannot be said: that a run which stays above the
optimum is at a local one; it may be slow, or the network too narrow.
"""
