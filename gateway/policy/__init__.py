"""What the operator decides: the YAML schema, its loader and its test cases."""
