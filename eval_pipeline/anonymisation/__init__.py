"""The only door for text: what names a person is found and replaced before anything is written."""
