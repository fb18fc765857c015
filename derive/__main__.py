"""``python -m derive``: the command line."""

from derive.cli import main

if __name__ == "__main__":
    main()
