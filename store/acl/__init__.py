"""Access control: who may log in, and which commands, keys and channels they may use (acl.c 7.0).

Reading order: catalog (the commands and their categories), selector (one set of permissions), describe (back into rules),
user, users (all of them, and the sessions they have), files, audit (ACL LOG).
"""

import store.commands  # noqa: F401 - the table is filled before anything here reads it, and ACL's own commands need this package
from store.acl.catalog import CATEGORIES, Catalog
from store.acl.user import User
from store.acl.users import Users

__all__ = ["CATEGORIES", "Catalog", "User", "Users"]
