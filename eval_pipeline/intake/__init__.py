"""From logs to a masked, stratified sample of the week."""
