// SPDX-License-Identifier: MIT
#include "sim/engine/platform_zone.h"

#include <exception>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>
#include <string>
#include <vector>

namespace s4u = simgrid::s4u;
using simgrid::kernel::resource::StandardLinkImpl;
using simgrid::kernel::routing::NetPoint;
using simgrid::kernel::routing::NetZoneImpl;
using simgrid::kernel::routing::Route;

namespace
{
struct duplex {
    StandardLinkImpl *up, *down;
};

// All hosts and links of the nodes that are made, numbered anew from 0; a route is put together
// when it is asked for.
class cluster_zone : public NetZoneImpl
{
  public:
    cluster_zone(const struct platform_nodes *platform, const struct platform_lane *lanes,
                 uint32_t lane_count);

  private:
    uint32_t gpus_per_node, nics_per_node, gpus;
    struct platform_groups groups;
    std::vector<duplex> nvlinks, nics, uplinks; // [gpu], [nic], [group]
    std::vector<StandardLinkImpl *> fabric;     // [node]
    // [lane][gpu], as hosts are made:
    std::vector<StandardLinkImpl *> node_limiters, fabric_limiters;

    s4u::Link *make_link(const std::string &name, double bytes_per_second);
    s4u::Link *make_pipe(const std::string &name);
    duplex make_duplex(const std::string &name, double bytes_per_second);

    uint32_t nic_of(uint32_t gpu) const
    {
        return gpu / gpus_per_node * nics_per_node +
               gpu % gpus_per_node * nics_per_node / gpus_per_node;
    }

    void get_local_route(const NetPoint *from, const NetPoint *to, Route *into, double *) override;
};

s4u::Link *cluster_zone::make_link(const std::string &name, double bytes_per_second)
{
    return create_link(name, {bytes_per_second});
}

// What nothing fills or shares.
s4u::Link *cluster_zone::make_pipe(const std::string &name)
{
    s4u::Link *link = make_link(name, PLATFORM_UNLIMITED);
    link->set_sharing_policy(s4u::Link::SharingPolicy::FATPIPE, {});
    link->seal();
    return link;
}

duplex cluster_zone::make_duplex(const std::string &name, double bytes_per_second)
{
    s4u::Link *up = make_link(name + "_UP", bytes_per_second);
    s4u::Link *down = make_link(name + "_DOWN", bytes_per_second);
    up->seal();
    down->seal();
    return {up->get_impl(), down->get_impl()};
}

cluster_zone::cluster_zone(const struct platform_nodes *platform, const struct platform_lane *lanes,
                           uint32_t lane_count)
    : NetZoneImpl("root"), gpus_per_node(platform->cluster->gpus_per_node),
      nics_per_node(platform->cluster->nics_per_node), groups(groups_of_platform(platform))
{
    const uint32_t nodes = platform->made == nullptr ? platform->nodes : platform->made_count;
    gpus = nodes * gpus_per_node;
    for (uint32_t node = 0; node < nodes; node++) {
        const uint32_t number = platform->made == nullptr ? node : platform->made[node];
        const struct cluster *own = platform_cluster(platform, number);
        for (uint32_t i = 0; i < gpus_per_node; i++) {
            uint32_t gpu = node * gpus_per_node + i;
            nvlinks.push_back(
                make_duplex("nvlink" + std::to_string(gpu), own->node_bytes_per_second));
        }
        for (uint32_t i = 0; i < nics_per_node; i++) {
            uint32_t nic = node * nics_per_node + i;
            nics.push_back(make_duplex("nic" + std::to_string(nic), own->nic_bytes_per_second));
        }
        fabric.push_back(make_pipe("fabric" + std::to_string(node))->get_impl());
    }
    for (uint32_t group = 0; group < groups.count && groups.count > 1; group++) {
        const std::string name = "uplink" + std::to_string(group);
        if (groups.blocks) {
            uplinks.push_back(make_duplex(name, groups.uplink_bytes_per_second));
        } else {
            uplinks.push_back({make_pipe(name)->get_impl(), nullptr});
        }
    }
    for (uint32_t lane = 0; lane < lane_count; lane++) {
        const std::string of_lane = lane > 0 ? "lane" + std::to_string(lane) + "." : "";
        for (uint32_t gpu = 0; gpu < gpus; gpu++) {
            const std::string number = std::to_string(gpu);
            const double flops = 1e9; // nobody computes there
            lanes[lane].hosts[gpu] = create_host(of_lane + "gpu" + number, {flops})->seal();
            s4u::Link *node = make_pipe(of_lane + PLATFORM_NODE_LIMITER + number);
            s4u::Link *out = make_pipe(of_lane + PLATFORM_FABRIC_LIMITER + number);
            lanes[lane].node_limiters[gpu] = node;
            lanes[lane].fabric_limiters[gpu] = out;
            node_limiters.push_back(node->get_impl());
            fabric_limiters.push_back(out->get_impl());
        }
    }
    seal();
}

// A point's number is its host's place among those made; what comes, comes to the first lane's.
void cluster_zone::get_local_route(const NetPoint *from_point, const NetPoint *to_point,
                                   Route *into, double *)
{
    std::vector<StandardLinkImpl *> &links = into->link_list_;
    const auto sender = static_cast<uint32_t>(from_point->id());
    const uint32_t from = sender % gpus, to = static_cast<uint32_t>(to_point->id()) % gpus;
    const uint32_t from_node = from / gpus_per_node, to_node = to / gpus_per_node;
    if (from == to) {
        return;
    }
    if (from_node == to_node) {
        links.insert(links.end(), {node_limiters[sender], nvlinks[from].up, nvlinks[to].down});
        return;
    }
    links.insert(links.end(), {fabric_limiters[sender], nics[nic_of(from)].up, fabric[from_node]});
    const uint32_t from_group = from_node / groups.nodes, to_group = to_node / groups.nodes;
    if (from_group != to_group) {
        links.push_back(uplinks[from_group].up);
        if (groups.blocks) {
            links.push_back(uplinks[to_group].down);
        }
        links.push_back(fabric[to_node]);
    }
    links.push_back(nics[nic_of(to)].down);
}
} // namespace

// simgrid::kernel::EngineImpl::now_, which outlives an engine and has a setter in headers that are
// not installed.
extern double simgrid_clock __asm__("_ZN7simgrid6kernel10EngineImpl4now_E") __attribute__((weak));

bool simgrid_begins_again()
{
    return &simgrid_clock != nullptr;
}

void simgrid_begin(int *argument_count, char **arguments)
{
    if (s4u::Engine::has_instance()) {
        delete s4u::Engine::get_instance();
        simgrid_clock = 0.0;
    }
    new s4u::Engine(argument_count, arguments); // SimGrid's, until the next
}

bool platform_zone_make(const struct platform_nodes *platform, const struct platform_lane *lanes,
                        uint32_t lane_count)
{
    try {
        new cluster_zone(platform, lanes, lane_count); // SimGrid's, as its root
        return true;
    } catch (const std::exception &) {
        return false;
    }
}
