/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/request.h"

void queue_push(struct request_queue *queue, struct request *requests, uint32_t id)
{
    requests[id].next = REQUEST_NONE;
    if (queue->count == 0) {
        queue->first = id;
    } else {
        requests[queue->last].next = id;
    }
    queue->last = id;
    queue->count++;
}

void queue_push_front(struct request_queue *queue, struct request *requests, uint32_t id)
{
    requests[id].next = queue->count == 0 ? REQUEST_NONE : queue->first;
    if (queue->count == 0) {
        queue->last = id;
    }
    queue->first = id;
    queue->count++;
}

uint32_t queue_pop(struct request_queue *queue, struct request *requests)
{
    if (queue->count == 0) {
        return REQUEST_NONE;
    }
    uint32_t id = queue->first;
    queue->first = requests[id].next;
    requests[id].next = REQUEST_NONE;
    if (--queue->count == 0) {
        queue->first = queue->last = REQUEST_NONE;
    }
    return id;
}
