"""The pages, a module for each group; each ends with the list of its pages."""
