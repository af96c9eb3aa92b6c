"""Credentials by name: which one a target uses, where its values come from, and how long those hold.

model     what an auths file may say; `checked` judges that without pydantic
written   references to secrets; `helper` and `vault` are other sources of values
kept      values that were read, until they may have changed
"""
