// SPDX-License-Identifier: GPL-2.0-only
#include "sim/topology.h"

namespace pairsim {
namespace {

void add(std::vector<cpumask>& masks, std::size_t index, cpu_id cpu, std::size_t nr_cpus)
{
    while (masks.size() <= index) {
        masks.emplace_back(nr_cpus);
    }
    masks[index].set(cpu);
}

} // namespace

topology::topology(const machine_config& config) : place(config.cpus)
{
    for (std::size_t i = 0; i < place.size(); ++i) {
        const cpu_id cpu{static_cast<std::uint16_t>(i)};
        if (core_cpus.size() <= place[i].core) {
            core_cpus.resize(place[i].core + std::size_t{1});
        }
        core_cpus[place[i].core].push_back(cpu);
        add(llc_mask, place[i].llc, cpu, place.size());
        add(node_mask, place[i].node.value, cpu, place.size());
    }
    sibling.resize(place.size());
    for (const auto& cpus : core_cpus) {
        for (std::size_t i = 0; i < cpus.size(); ++i) {
            sibling[cpus[i].value] = cpus[(i + 1) % cpus.size()];
        }
    }
}

} // namespace pairsim
