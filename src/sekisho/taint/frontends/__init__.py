"""Front-ends: one folder a language, each lowers source to the IR and knows nothing of taint."""
