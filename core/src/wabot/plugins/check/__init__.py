"""What `wabot plugins check` looks at: one module for each kind of thing that can be wrong with a plugin."""
