"""The page /ui, on which somebody looks at a prompt of their own from all sides. It is off unless settings say else."""
