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

void queue_insert(struct request_queue *queue, struct request *requests, uint32_t id)
{
    if (queue->count == 0 || request_precedes(&requests[queue->last], &requests[id])) {
        queue_push(queue, requests, id);
        return;
    }
    uint32_t before = REQUEST_NONE, after = queue->first;
    while (after != REQUEST_NONE && request_precedes(&requests[after], &requests[id])) {
        before = after;
        after = requests[after].next;
    }
    if (after == REQUEST_NONE) {
        queue_push(queue, requests, id);
    } else if (before == REQUEST_NONE) {
        queue_push_front(queue, requests, id);
    } else {
        requests[before].next = id;
        requests[id].next = after;
        queue->count++;
    }
}

void queue_remove(struct request_queue *queue, struct request *requests, uint32_t id)
{
    if (queue->first == id) {
        queue_pop(queue, requests);
        return;
    }
    uint32_t before = queue->first;
    while (requests[before].next != id) {
        before = requests[before].next;
    }
    requests[before].next = requests[id].next;
    queue->last = queue->last == id ? before : queue->last;
    requests[id].next = REQUEST_NONE;
    queue->count--;
}
