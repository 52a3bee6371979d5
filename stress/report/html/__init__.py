"""Failures, kill matrix and campaign as one HTML page that needs nothing but a browser.

One file: its style and its script are inside, and its content security policy forbids everything
else, so opening it asks no network for anything, whatever the failures say.  Without its script
the page is whole; the script only lights up an arrow and copies a command.
"""

from stress.report.html.document import page

__all__ = ["page"]
