// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/dot.h"

#include <ostream>
#include <sstream>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphviz.hpp>
#include <fmt/format.h>

namespace pairsim {
namespace {

struct edge_style {
    bool dashed = false;
};
using graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, boost::no_property, edge_style>;

} // namespace

std::string pairing_dot(const pair_map& map)
{
    graph g(map.pair_cpu.size());
    for (const auto& p : map.pairs) {
        boost::add_edge(p.first.value, p.second.value, edge_style{p.first.value >= map.ctx_entries}, g);
    }
    std::ostringstream out;
    boost::write_graphviz(
        out, g, [](std::ostream& o, auto vertex) { o << fmt::format("[label=\"cpu {}\"]", vertex); },
        [&g](std::ostream& o, auto edge) { o << (g[edge].dashed ? "[style=dashed]" : "[style=solid]"); });
    return out.str();
}

} // namespace pairsim
