"""One file a command. Each offers HELP, EXAMPLE, `add_arguments(parser)` and `main(args) -> exit code`.

These files import nothing heavy at their top: a command pays for what it uses when it runs.
"""
