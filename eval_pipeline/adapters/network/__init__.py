"""The edge to other machines: where connections may go, how long and how large replies may be."""
