"""Bars on a terminal, silence elsewhere."""

import os
import pty
import subprocess
import sys
import termios


def draw_demo(folder, stdout):
    command = [sys.executable, "-m", "histosurv", "demo", folder, "--patients", "8"]
    subprocess.run([*command, "--spot-px", "224"], stdout=stdout, check=True)


def test_a_terminal_shows_a_bar_with_a_rate(tmp_path):
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (24, 80))
    draw_demo(tmp_path / "demo", there)
    shown = os.read(here, 65536)
    assert b"drawing" in shown
    assert b"spot/s" in shown


def test_a_file_stays_quiet(tmp_path):
    with (tmp_path / "stdout").open("wb") as stdout:
        draw_demo(tmp_path / "demo", stdout)
    assert b"spot/s" not in (tmp_path / "stdout").read_bytes()
