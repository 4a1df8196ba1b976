// SPDX-License-Identifier: GPL-2.0-only
#include <map>
#include <sstream>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/subgraph.hpp>
#include <fmt/format.h>

#include "tools/export/exports.h"

namespace pairsim {
namespace {

using attributes = std::map<std::string, std::string>;
using vertex_property = boost::property<boost::vertex_attribute_t, attributes>;
using edge_property = boost::property<boost::edge_index_t, int, boost::property<boost::edge_attribute_t, attributes>>;
using graph_property =
    boost::property<boost::graph_name_t, std::string,
                    boost::property<boost::graph_graph_attribute_t, attributes,
                                    boost::property<boost::graph_vertex_attribute_t, attributes,
                                                    boost::property<boost::graph_edge_attribute_t, attributes>>>>;
using graph = boost::subgraph<boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, vertex_property,
                                                    edge_property, graph_property>>;

/// The part of @p parent for one node, cache or core.
graph& part_of(graph& parent, std::map<std::string, graph*>& known, const std::string& id, const std::string& label)
{
    graph*& part = known[id];
    if (part == nullptr) {
        part = &parent.create_subgraph();
        boost::get_property(*part, boost::graph_name) = "cluster_" + id;
        boost::get_property(*part, boost::graph_graph_attribute)["label"] = label;
    }
    return *part;
}

} // namespace

std::string machine_dot(const observed_run& run)
{
    graph g(run.nr_cpus());
    boost::get_property(g, boost::graph_name) = "machine";
    std::map<std::string, graph*> parts;
    for (std::size_t i = 0; i < run.nr_cpus(); ++i) {
        boost::get(boost::vertex_attribute, g)[i]["label"] = fmt::format("cpu {}", i);
        if (run.from_trace) {
            continue; // a trace does not say where its CPUs sit
        }
        const cpu_place& place = run.what.machine.cpus[i];
        const std::string node = fmt::format("node{}", place.node.value);
        const std::string llc = fmt::format("{}_llc{}", node, place.llc);
        graph& in_node = part_of(g, parts, node, fmt::format("node {}", place.node.value));
        graph& in_llc = part_of(in_node, parts, llc, fmt::format("last-level cache {}", place.llc));
        graph& core =
            part_of(in_llc, parts, fmt::format("{}_core{}", llc, place.core), fmt::format("core {}", place.core));
        boost::add_vertex(i, core);
    }
    for (const auto& p : run.pairs.pairs) {
        const auto edge = boost::add_edge(p.first.value, p.second.value, g).first;
        auto& style = boost::get(boost::edge_attribute, g)[edge];
        style["label"] = "pair";
        style["style"] = p.first.value < run.pairs.ctx_entries ? "bold" : "dashed"; // dashed: no pair_ctx
    }
    std::ostringstream out;
    boost::write_graphviz(out, g);
    return out.str();
}

} // namespace pairsim
