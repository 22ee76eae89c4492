"""The command `gateway`, also as `python -m gateway`."""

from gateway.cli.main import entry

if __name__ == "__main__":
    entry()
