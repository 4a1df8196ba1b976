// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/host_machine.h"

#include "tools/io/embedded.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/units.h"

namespace pairsim {

host_machine load_host_machine(const std::string& path)
{
    host_machine host{path, path == "qemu-tcg" ? parse_json(embedded::qemu_tcg_machine, path)
                            : path == "x86-64" ? parse_json(embedded::x86_64_machine, path)
                                               : read_json(path)};
    empty_scenario(host, {0, 0}, 1); // finds what is wrong with it
    return host;
}

scenario empty_scenario(const host_machine& host, const std::vector<double>& lost_shares, std::uint64_t seed)
{
    json machine = host.machine;
    machine["cpus"] = lost_shares.size();
    machine["topology"] = "flat";
    if (machine.contains("host")) {
        machine["host"]["share"] = lost_shares;
    }
    json document = {{"schema", "pairsim.scenario/1"},
                     {"name", "measured"},
                     {"description", "A measured case."},
                     {"seed", seed},
                     {"duration", "1s"},
                     {"machine", std::move(machine)}};
    return read_scenario(std::move(document), host.path);
}

nanoseconds host_turn(const host_machine& host)
{
    const auto turn = host.machine.value("/host/turn"_json_pointer, std::string("0"));
    return std::get<nanoseconds>(parse_duration(turn));
}

} // namespace pairsim
