"""Proved lower bounds where pricing is not exact.

relaxation       a bound on pricing at any rank, by multipliers
stages           better multipliers, and which there should be
claims           what they prove, rounding and all
cliques          inequalities between the signs of several rows
dual_ascent      the dual vector chosen for its proved bound
evidence         what a certificate carries of them
proof_search     all of these, and branching on signs, as long as there is time
"""
