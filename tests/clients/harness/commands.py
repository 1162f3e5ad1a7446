"""Running commands, with their output in a log file."""

import os
import subprocess


class Failed(Exception):
    """A step outside the tests failed: a build, a cluster, or a runner that did not get to its tests."""


def execute(command, directory, log, environment=None):
    """Runs a command that must succeed; returns what it printed."""
    status, output = attempt(command, directory, log, environment)
    if status != 0:
        raise Failed(f"{' '.join(command)}:\n{tail(output)}")
    return output


def attempt(command, directory, log, environment=None):
    """Runs a command with its output in a log file; returns its status and what it printed."""
    env = {**os.environ, **(environment or {})}
    done = subprocess.run(
        command, cwd=directory, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with open(log, "a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}\n")
    return done.returncode, done.stdout


def tail(text, lines=40):
    return "\n".join(text.splitlines()[-lines:])
