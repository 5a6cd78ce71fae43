"""Half of the ids that schemathesis makes up become ids of things that exist: of a knowledge base, a file and so on.

Read by schemathesis itself; the ids come as JSON in ALMANAC_IDS. What removes things is left with made-up ids.
"""
import json
import os
import zlib

import schemathesis

IDS = json.loads(os.environ["ALMANAC_IDS"])


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    # By a digest of the value, so that runs of one seed are alike.
    if not path_parameters or context.operation.method.upper() == "DELETE":
        return path_parameters
    return {name: IDS[name] if name in IDS and zlib.crc32(repr(value).encode()) % 2 else value
            for name, value in path_parameters.items()}
