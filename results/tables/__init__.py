"""Tables of scores, as numbers and as text, Markdown, LaTeX or CSV."""
