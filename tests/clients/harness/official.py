"""The official clients' sources, as they are in a checkout of the original's repository."""

import os
import subprocess

from harness.commands import Failed


class Upstream:
    """A checkout or git directory, named by the environment variable PEGASUS_UPSTREAM."""

    VARIABLE = "PEGASUS_UPSTREAM"

    def __init__(self, path):
        inner = os.path.join(path, ".git")
        self.git_directory = inner if os.path.exists(inner) else path
        self.commit = self._git("rev-parse", "--short=12", "HEAD").decode().strip()

    @classmethod
    def from_environment(cls):
        """None where the variable is not set."""
        path = os.environ.get(cls.VARIABLE)
        return cls(path) if path else None

    def export(self, directory, *paths):
        """Writes files of the commit, exactly as they are, below a directory."""
        archive = self._git("archive", "--format=tar", "HEAD", *paths)
        subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)

    def _git(self, *arguments):
        command = ["git", f"--git-dir={self.git_directory}", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            complaint = done.stderr.decode(errors="replace").strip()
            raise Failed(f"{self.VARIABLE}={self.git_directory} cannot be read: {complaint}")
        return done.stdout
