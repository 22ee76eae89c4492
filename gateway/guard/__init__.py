"""What must not leave in answers: one folder or file per thing that is looked for."""
