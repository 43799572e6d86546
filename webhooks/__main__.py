"""`python -m webhooks` is `greffier`."""

from webhooks.cli import main

main()
