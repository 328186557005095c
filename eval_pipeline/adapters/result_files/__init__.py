"""Files of scored trials, ours and other tools', read into one shape; a module per tool."""
