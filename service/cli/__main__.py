"""`python -m service.cli` is the same as `baton`."""

from service.cli import main

if __name__ == "__main__":
    main()
