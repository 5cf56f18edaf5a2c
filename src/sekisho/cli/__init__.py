"""The command line: one file per noun, no logic. `sekisho.cli.main` puts the nouns together."""
