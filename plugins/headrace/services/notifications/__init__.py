"""Send notifications of alerts and of their end: what is due, by which route, in which words."""
