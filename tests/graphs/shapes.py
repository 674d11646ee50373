"""Random small graphs for property tests, and how many to try."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from graphs import BipartiteGraph

# enough for laws on shapes as small as these; no deadline, since a first call imports scipy or igraph
few = settings(max_examples=40, deadline=None)


@st.composite
def bipartite_graphs(draw, max_accounts=8, max_entities=7):
    """Any small graph: dense or empty, with edges of 0 bits and vertices without edges."""
    n_accounts = draw(st.integers(1, max_accounts))
    n_entities = draw(st.integers(1, max_entities))
    cells = st.tuples(st.integers(0, n_accounts - 1), st.integers(0, n_entities - 1))
    edges = draw(st.lists(cells, unique=True, max_size=n_accounts * n_entities))
    weights = st.sampled_from([0.0, 0.25, 1.0, 2.5, 7.0])
    bits = draw(st.lists(weights, min_size=len(edges), max_size=len(edges)))
    account, entity = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    return BipartiteGraph.from_arrays(account, entity, bits, n_accounts=n_accounts, n_entities=n_entities)
