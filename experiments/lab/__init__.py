"""The convexity lab: how fast it is, how much it bears, and what it looks like.

    python -m experiments lab [--quick] [--shots FOLDER] [--out FILE.json]

Measured on loopback, with Chromium: the first paint of a page that is opened for the first time;
from a point that is dragged (100 of them) to the optimum that answers; 50 small questions at a
time, their times and the memory of server and workers. --shots writes a picture of states of every
exhibit, at the sizes of a projector, a laptop and a phone, into a folder. --quick: once each, and
no pictures.
"""
