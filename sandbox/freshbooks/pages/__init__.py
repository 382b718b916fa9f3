"""Small HTML pages for people; no JavaScript, every form is POST and redirect."""
