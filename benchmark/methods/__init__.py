"""The method interface, and the methods of the harness itself."""
