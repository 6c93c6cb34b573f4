/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/request.h"

uint32_t requests_take(struct requests *requests)
{
    uint32_t id = requests->spare;
    if (id == REQUEST_NONE) {
        id = requests->places++;
    } else {
        requests->spare = requests->all[id].next;
    }
    requests->all[id] = (struct request){.number = requests->count++};
    return id;
}

void requests_free(struct requests *requests, uint32_t id)
{
    struct request *request = &requests->all[id];
    request->retired = true;
    if (request->alarms == 0) {
        request->next = requests->spare;
        requests->spare = id;
    }
}

void requests_alarmed(struct requests *requests, uint32_t id)
{
    struct request *request = &requests->all[id];
    if (--request->alarms == 0 && request->retired) {
        requests_free(requests, id);
    }
}

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

/* Behind `before`, the last of those who stay in front; REQUEST_NONE: there are none. */
static void put_behind(struct request_queue *queue, struct request *requests, uint32_t id,
                       uint32_t before)
{
    uint32_t after = before == REQUEST_NONE ? queue->first : requests[before].next;
    if (queue->count == 0 || after == REQUEST_NONE) {
        queue_push(queue, requests, id);
    } else if (before == REQUEST_NONE) {
        queue_push_front(queue, requests, id);
    } else {
        requests[before].next = id;
        requests[id].next = after;
        queue->count++;
    }
}

void queue_insert(struct request_queue *queue, struct request *requests, uint32_t id)
{
    if (queue->count == 0 || request_precedes(&requests[queue->last], &requests[id])) {
        queue_push(queue, requests, id);
        return;
    }
    uint32_t before = REQUEST_NONE;
    for (uint32_t i = queue->first;
         i != REQUEST_NONE && request_precedes(&requests[i], &requests[id]); i = requests[i].next) {
        before = i;
    }
    put_behind(queue, requests, id, before);
}

void queue_return(struct request_queue *queue, struct request *requests, uint32_t id)
{
    uint32_t before = REQUEST_NONE, i = queue->count > 0 ? queue->first : REQUEST_NONE;
    while (i != REQUEST_NONE && requests[i].holder != 0 &&
           requests[i].arrival_seconds <= requests[id].arrival_seconds) {
        before = i;
        i = requests[i].next;
    }
    put_behind(queue, requests, id, before);
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
