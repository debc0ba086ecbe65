"""What the scripts of NixOS VM tests call, as far as those of sops-nix do: here a machine is a container."""

import contextlib
import pathlib

from container import Container
from machine import PATIENCE, until

# The file to which the commands of a script write their errors. A script gets only their standard output.
ERRORS = "/run/errors-of-the-script"


class Node:
    """A machine of a test. It boots when it is started, or at the first command."""

    def __init__(self, container: Container, root: pathlib.Path, init: str):
        self.container = container
        self.root = root
        self.init = init

    def start(self) -> None:
        """Boots, until ordinary units start: the shell of the NixOS driver is one of them."""
        if not self.container.process:
            self.container.start(self.root, self.init)
            until(lambda: self.container.init() and self.container.run("systemctl is-active basic.target")[0] == 0, "basic.target")

    def execute(self, command: str) -> tuple[int, str]:
        """Exit code and standard output of a command."""
        self.start()
        return self.container.run(f"exec 2>> {ERRORS}; set -euo pipefail; {command}")

    def succeed(self, *commands: str) -> str:
        """The output of commands that have to succeed."""
        output = ""
        for command in commands:
            code, said = self.execute(command)
            assert code == 0, f"{command}: exit code {code}: {said}{self.errors()}"
            output += said
        return output

    def fail(self, *commands: str) -> str:
        """The output of commands that have to fail."""
        output = ""
        for command in commands:
            code, said = self.execute(command)
            assert code != 0, f"{command}: did not fail: {said}"
            output += said
        return output

    def wait_for_unit(self, unit: str) -> None:
        """Waits until a unit is active. One that has failed, or is inactive with nothing left to do, will never be."""
        def is_active() -> bool:
            # The order matters: if a job ends between the two calls, it has changed the state before the state is read.
            waits = self.container.succeed("systemctl list-jobs --no-legend")
            state = self.container.property(unit, "ActiveState")
            assert state != "failed" and (state != "inactive" or waits), f"{unit} is {state}"
            return state == "active"

        self.start()
        until(is_active, unit, PATIENCE)

    def errors(self) -> str:
        """The last errors of commands."""
        return self.container.run(f"tail -n 20 {ERRORS}")[1]


@contextlib.contextmanager
def subtest(name: str):
    """A part of a script, which is named when it goes wrong."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{name}: {error}") from error


def play(script: str, nodes: dict[str, Node]) -> None:
    """Runs a script of a test, with its machines by their names."""
    def start_all() -> None:
        for node in nodes.values():
            node.start()

    exec(compile(script, "testScript", "exec"), {**nodes, "start_all": start_all, "subtest": subtest})
