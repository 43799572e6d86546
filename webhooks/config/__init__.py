"""The settings as people meet them: where each comes from, a file to start with, a schema, a reference."""
