"""Launch buttons for forks: the repository's address from the environment, where it says one.

BOOK_REPO_URL names it; inside a GitHub workflow, GITHUB_REPOSITORY does. BOOK_REPO_BRANCH names the
branch. Without any of them the address in _config.yml stands.
"""

import os


def address(environ=os.environ) -> str | None:
    """The repository's web address that the environment asks for, or None."""
    if given := environ.get("BOOK_REPO_URL"):
        return given.rstrip("/")
    if name := environ.get("GITHUB_REPOSITORY"):
        return f"{environ.get('GITHUB_SERVER_URL', 'https://github.com').rstrip('/')}/{name}"
    return None


def override(app, config) -> None:
    """Put the environment's address and branch in place of the configuration's."""
    wanted = {"repository_url": address(), "repository_branch": os.environ.get("BOOK_REPO_BRANCH")}
    given = {key: value for key, value in wanted.items() if value}
    config.html_theme_options = {**config.html_theme_options, **given}


def setup(app) -> dict:
    """Sphinx calls this; it runs before the theme reads its options."""
    app.connect("config-inited", override, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
