"""Data: tables from files, and the bundled data sets."""
