"""The command `greffier`."""


def main() -> None:
    """Run the command line."""
