"""Convert prepared sets for other frameworks, with a record that their predictions need later."""
