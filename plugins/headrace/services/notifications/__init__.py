"""Send alerts and recoveries: what is due, to whom, and in which words."""
