// Copies between pinned host memory and the GPUs of one host: one GPU, several at once, each way
// and both, host memory near and far. A stream for each GPU and direction; every stream repeats its
// copy from a common start, and a rate is what all streams moved from the start to the last end.
// nvcc -O2 -std=c++17 host_link.cu -o host_link -lpthread
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda_runtime.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>
#define CHECK(x)                                                                                   \
    do {                                                                                           \
        cudaError_t e = (x);                                                                       \
        if (e) {                                                                                   \
            fprintf(stderr, "%s: %s\n", #x, cudaGetErrorString(e));                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)
static double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}
static std::vector<std::vector<int>> nodes;
static void read_nodes()
{
    for (int n = 0; n < 16; n++) {
        char path[128];
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", n);
        FILE *f = fopen(path, "r");
        if (!f)
            break;
        std::vector<int> cpus;
        int a, b;
        char c;
        while (fscanf(f, "%d", &a) == 1) {
            b = a;
            if (fscanf(f, "%c", &c) == 1 && c == '-') {
                if (fscanf(f, "%d", &b) != 1)
                    b = a;
                if (fscanf(f, "%c", &c) != 1)
                    c = 0;
            }
            for (; a <= b; a++)
                cpus.push_back(a);
            if (c != ',')
                break;
        }
        fclose(f);
        nodes.push_back(cpus);
    }
    if (nodes.empty()) {
        std::vector<int> all;
        for (int i = 0; i < (int)std::thread::hardware_concurrency(); i++)
            all.push_back(i);
        nodes.push_back(all);
    }
}
static void stay_on(int node)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    for (int c : nodes[node])
        CPU_SET(c, &s);
    sched_setaffinity(0, sizeof s, &s);
}
static void *host_memory(size_t bytes, int node)
{
    void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    madvise(p, bytes, MADV_HUGEPAGE);
    if (nodes.size() > 1) {
        unsigned long mask = 1ul << node;
        syscall(SYS_mbind, p, bytes, 2, &mask, 64, 0);
    }
    std::vector<std::thread> t;
    const int n = std::min<int>(16, nodes[node].size());
    for (int i = 0; i < n; i++)
        t.emplace_back([=] {
            stay_on(node);
            memset((char *)p + bytes / n * i, i + 1, bytes / n);
        });
    for (auto &x : t)
        x.join();
    return p;
}
struct lane {
    int gpu, out;
    cudaStream_t s;
    cudaEvent_t a, b;
    cudaGraphExec_t g;
};
int main()
{
    read_nodes();
    int gpus;
    CHECK(cudaGetDeviceCount(&gpus));
    cudaDeviceProp prop;
    CHECK(cudaGetDeviceProperties(&prop, 0));
    for (int g = 0; g < gpus; g++) {
        char bus[32];
        cudaDeviceGetPCIBusId(bus, 32, g);
        for (char *c = bus; *c; c++)
            *c = tolower(*c);
        std::string p = std::string("/sys/bus/pci/devices/") + bus + "/numa_node";
        FILE *f = fopen(p.c_str(), "r");
        int n = -2;
        if (f) {
            if (fscanf(f, "%d", &n) != 1)
                n = -3;
            fclose(f);
        }
        fprintf(stderr, "gpu %d bus %s numa_node %d\n", g, bus, n);
    }
    fprintf(stderr, "memory nodes %zu cpus", nodes.size());
    for (auto &n : nodes)
        fprintf(stderr, " %zu", n.size());
    fprintf(stderr, "\n");
    const size_t largest = 4ull << 30;
    const int memory_nodes = std::min<int>(2, nodes.size());
    std::vector<std::vector<char *>> host(memory_nodes); // [node][gpu * 2 + direction]
    double t0 = now();
    for (int n = 0; n < memory_nodes; n++)
        for (int i = 0; i < gpus * 2; i++) {
            char *p = (char *)host_memory(largest, n);
            CHECK(cudaHostRegister(p, largest, cudaHostRegisterPortable));
            host[n].push_back(p);
        }
    fprintf(stderr, "host memory ready in %.1f s\n", now() - t0);
    std::vector<char *> device(gpus * 2);
    std::vector<lane> lanes;
    for (int g = 0; g < gpus; g++) {
        CHECK(cudaSetDevice(g));
        for (int d = 0; d < 2; d++) {
            CHECK(cudaMalloc(&device[g * 2 + d], largest));
            lane l{g, d};
            CHECK(cudaStreamCreateWithFlags(&l.s, cudaStreamNonBlocking));
            CHECK(cudaEventCreate(&l.a));
            CHECK(cudaEventCreate(&l.b));
            lanes.push_back(l);
        }
    }
    // host threads that copy memory meanwhile: what the memory itself carries
    const int workers = (int)std::thread::hardware_concurrency();
    std::atomic<int> going{0};
    std::atomic<long> moved{0};
    std::vector<char *> mine;
    const size_t part = 256ull << 20;
    t0 = now();
    auto threads_start = [&](std::vector<std::thread> &t, int count) {
        going = 1;
        moved = 0;
        for (int i = 0; i < count; i++)
            t.emplace_back([&, i] {
                cpu_set_t s;
                CPU_ZERO(&s);
                CPU_SET(i, &s);
                sched_setaffinity(0, sizeof s, &s);
                char *p = mine[i];
                while (going) {
                    memcpy(p, p + part / 2, part / 2);
                    moved += (long)part;
                }
            });
    };
    for (int i = 0; i < workers; i++)
        mine.push_back((char *)host_memory(part, (int)((size_t)i * nodes.size() / workers)));
    fprintf(stderr, "threads' memory ready in %.1f s\n", now() - t0);
    printf("gpu,gpus,which,direction,bytes,memory_node,host_threads,gbps,slowest_gbps,host_threads_"
           "gbps\n");
    auto play = [&](std::vector<int> which, const char *name, const char *direction, int together,
                    size_t bytes, int node, int threads, double seconds) {
        // together: 1 to-gpu, 2 to-host, 3 both; 4: first GPU to-gpu, the others to-host
        std::vector<lane *> on;
        for (auto &l : lanes) {
            bool in = std::count(which.begin(), which.end(), l.gpu);
            int bit = 1 << l.out;
            int want = together == 4 ? (l.gpu == which[0] ? 1 : 2) : together;
            if (in && (bit & want))
                on.push_back(&l);
        }
        const int batch = bytes <= (16u << 20) ? 32 : 1;
        const double each = (double)bytes * batch;
        const int times = std::max(3, (int)(seconds * 45e9 / each));
        for (lane *l : on) {
            CHECK(cudaSetDevice(l->gpu));
            cudaGraph_t g;
            CHECK(cudaStreamBeginCapture(l->s, cudaStreamCaptureModeRelaxed));
            for (int i = 0; i < batch; i++) {
                size_t at = (size_t)i * bytes;
                char *h = host[node][l->gpu * 2 + l->out] + at,
                     *d = device[l->gpu * 2 + l->out] + at;
                CHECK(cudaMemcpyAsync(l->out ? h : d, l->out ? d : h, bytes,
                                      l->out ? cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice,
                                      l->s));
            }
            CHECK(cudaStreamEndCapture(l->s, &g));
            CHECK(cudaGraphInstantiate(&l->g, g, 0));
            CHECK(cudaGraphDestroy(g));
            CHECK(cudaGraphLaunch(l->g, l->s));
            CHECK(cudaStreamSynchronize(l->s));
        }
        std::vector<std::thread> t;
        double host_rate = 0;
        if (threads) {
            threads_start(t, threads);
            usleep(100000);
        }
        const double begin = now();
        const long moved0 = moved;
        for (lane *l : on) {
            CHECK(cudaSetDevice(l->gpu));
            CHECK(cudaEventRecord(l->a, l->s));
        }
        for (int i = 0; i < times; i++)
            for (lane *l : on) {
                CHECK(cudaSetDevice(l->gpu));
                CHECK(cudaGraphLaunch(l->g, l->s));
            }
        for (lane *l : on) {
            CHECK(cudaSetDevice(l->gpu));
            CHECK(cudaEventRecord(l->b, l->s));
        }
        for (lane *l : on)
            CHECK(cudaStreamSynchronize(l->s));
        if (on.empty())
            usleep((int)(seconds * 1e6));
        const double wall = now() - begin;
        host_rate = (moved - moved0) / wall / 1e9;
        if (threads) {
            going = 0;
            for (auto &x : t)
                x.join();
        }
        double slowest = 1e30, longest = 0;
        for (lane *l : on) {
            float ms;
            CHECK(cudaEventElapsedTime(&ms, l->a, l->b));
            double s = ms * 1e-3;
            slowest = std::min(slowest, each * times / s / 1e9);
            longest = std::max(longest, s);
            CHECK(cudaGraphExecDestroy(l->g));
        }
        const double all = on.empty() ? 0 : each * times * on.size() / longest / 1e9;
        printf("%s,%zu,%s,%s,%zu,%d,%d,%.4g,%.4g,%.4g\n", prop.name, which.size(), name, direction,
               bytes, node, threads, all, on.empty() ? 0 : slowest, host_rate);
        fflush(stdout);
    };
    std::vector<int> all;
    for (int g = 0; g < gpus; g++)
        all.push_back(g);
    const char *name[] = {"", "to-gpu", "to-host", "both", "opposite"};
    std::vector<size_t> sizes = {1u << 20,   4u << 20, 16u << 20, 64u << 20,
                                 256u << 20, 1u << 30, largest};
    for (int round = 0; round < 2; round++)
        for (int n = 0; n < memory_nodes; n++)
            for (size_t b : sizes)
                for (int d = 1; d <= 4; d++) {
                    if (d < 4)
                        for (int g = 0; g < gpus; g++)
                            play({g}, std::to_string(g).c_str(), name[d], d, b, n, 0, 0.15);
                    if (gpus > 1)
                        play(all, "all", name[d], d, b, n, 0, 0.15);
                }
    for (int round = 0; round < 2; round++)
        for (int threads : {1, 4, 8, 16, workers}) {
            play({}, "none", "none", 0, 0, 0, threads, 0.5);
            if (threads >= 8)
                for (int d = 1; d <= 3; d++) {
                    play({0}, "0", name[d], d, 256u << 20, 0, threads, 0.4);
                    if (gpus > 1)
                        play(all, "all", name[d], d, 256u << 20, 0, threads, 0.4);
                }
        }
    return 0;
}
