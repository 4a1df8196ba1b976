// SPDX-License-Identifier: GPL-2.0-only
#include "tools/export/kicks.h"

#include <map>
#include <utility>

namespace pairsim {

std::vector<kick_flight> kicks_of(const observed_run& run)
{
    std::vector<kick_flight> kicks;
    std::map<std::pair<cpu_id, cpu_id>, std::vector<std::size_t>> pending;
    for (const auto& r : run.records) {
        const cpu_id target{static_cast<std::uint16_t>(r.a)};
        if (r.kind == record_kind::kick) {
            pending[{r.cpu, target}].push_back(kicks.size());
            kicks.push_back({.requested = r.at, .from = r.cpu, .to = target});
        } else if (r.kind == record_kind::kick_serviced) {
            auto& of_target = pending[{r.cpu, target}];
            for (const auto i : of_target) {
                kicks[i].serviced = r.at;
                kicks[i].is_serviced = true;
            }
            of_target.clear();
        }
    }
    return kicks;
}

} // namespace pairsim
