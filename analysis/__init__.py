# SPDX-License-Identifier: MIT
"""Reads, compares and draws traces of cpsim: `python3 -m analysis --help`."""
