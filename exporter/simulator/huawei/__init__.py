"""Stand in for Huawei Cloud: DLI, DataArts Factory, IAM, metadata, and edge reports."""
