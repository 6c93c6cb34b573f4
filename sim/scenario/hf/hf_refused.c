/* SPDX-License-Identifier: MIT
 * Families that cannot be read, each with the mechanism that is not modelled. */
#include "sim/scenario/hf/hf_families.h"

#include <string.h>

static const struct refused {
    const char *type, *why;
} refused[] = {
    {"t5", "'t5' has an encoder beside its decoder, which cpsim does not model"},
    {"mt5", "'mt5' has an encoder beside its decoder, which cpsim does not model"},
    {"umt5", "'umt5' has an encoder beside its decoder, which cpsim does not model"},
    {"bart", "'bart' has an encoder beside its decoder, which cpsim does not model"},
    {"mbart", "'mbart' has an encoder beside its decoder, which cpsim does not model"},
    {"pegasus", "'pegasus' has an encoder beside its decoder, which cpsim does not model"},
    {"whisper", "'whisper' has an encoder beside its decoder, which cpsim does not model"},
    {"marian", "'marian' has an encoder beside its decoder, which cpsim does not model"},
    {"m2m_100", "'m2m_100' has an encoder beside its decoder, which cpsim does not model"},
    {"nllb_moe", "'nllb_moe' has an encoder beside its decoder, which cpsim does not model"},
    {"switch_transformers",
     "'switch_transformers' has an encoder beside its decoder, which cpsim does not model"},
    {"longt5", "'longt5' has an encoder beside its decoder, which cpsim does not model"},
    {"t5gemma", "'t5gemma' has an encoder beside its decoder, which cpsim does not model"},
    {"t5gemma2", "'t5gemma2' has an encoder beside its decoder, which cpsim does not model"},
    {"bert", "'bert' is an encoder, which makes no tokens; cpsim models decoders"},
    {"roberta", "'roberta' is an encoder, which makes no tokens; cpsim models decoders"},
    {"deberta", "'deberta' is an encoder, which makes no tokens; cpsim models decoders"},
    {"deberta_v2", "'deberta_v2' is an encoder, which makes no tokens; cpsim models decoders"},
    {"electra", "'electra' is an encoder, which makes no tokens; cpsim models decoders"},
    {"albert", "'albert' is an encoder, which makes no tokens; cpsim models decoders"},
    {"modernbert", "'modernbert' is an encoder, which makes no tokens; cpsim models decoders"},
    {"xlm_roberta", "'xlm_roberta' is an encoder, which makes no tokens; cpsim models decoders"},
    {"distilbert", "'distilbert' is an encoder, which makes no tokens; cpsim models decoders"},
    {"mpnet", "'mpnet' is an encoder, which makes no tokens; cpsim models decoders"},
    {"nomic_bert", "'nomic_bert' is an encoder, which makes no tokens; cpsim models decoders"},
    {"rwkv", "'rwkv' has time-mixing of RWKV, a recurrence that cpsim does not model"},
    {"rwkv5", "'rwkv5' has time-mixing of RWKV, a recurrence that cpsim does not model"},
    {"rwkv6", "'rwkv6' has time-mixing of RWKV, a recurrence that cpsim does not model"},
    {"rwkv7", "'rwkv7' has time-mixing of RWKV, a recurrence that cpsim does not model"},
    {"xlstm", "'xlstm' has the matrix memory of xLSTM, which cpsim does not model"},
    {"zamba", "'zamba' has shared blocks beside Mamba of grouped heads (the first Zamba), which "
              "cpsim does not model; zamba2 is read"},
    {"nemotron-nas", "'nemotron-nas' has layers that a search has made each of another size "
                     "(block_configs), which cpsim does not model"},
    {"deci", "'deci' has layers that a search has made each of another size (block_configs), which "
             "cpsim does not model"},
    {"openelm",
     "'openelm' has layers whose heads and widths all differ, which cpsim does not model"},
    {"inkling_text", "'inkling_text' has convolutions of keys, values and residuals beside "
                     "attention, which cpsim does not model"},
    {"inkling2_text", "'inkling2_text' has convolutions of keys, values and residuals beside "
                      "attention, which cpsim does not model"},
    {"inkling2_loop_text", "'inkling2_loop_text' has convolutions of keys, values and residuals "
                           "beside attention, which cpsim does not model"},
    {"hy_v4", "'hy_v4' has an indexer that layers share beside gated latent attention with sinks, "
              "which cpsim does not model"},
    {"dots3_note_text", "'dots3_note_text' has latent attention of two sizes in one model, which "
                        "cpsim does not model"},
    {"dots3_note",
     "'dots3_note' has latent attention of two sizes in one model, which cpsim does not model"},
    {"mistral_large4_text", "'mistral_large4_text' has a latent cache that layers share "
                            "(kv_source_layers), which cpsim does not model"},
    {"axk2",
     "'axk2' has norms and gates through low ranks beside an indexer, which cpsim does not model"},
    {"diffllama", "'diffllama' has differential attention, two softmaxes of each pair of heads, "
                  "which cpsim does not model"},
    {"doge", "'doge' has attention under a dynamic mask, which cpsim does not model"},
    {"zaya", "'zaya' has convolutions inside attention and a router of several layers, which cpsim "
             "does not model"},
    {"lfm3", "'lfm3' has gated attention beside wider convolutions with norms after each half, "
             "which cpsim does not model"},
    {"qwen4_exp", "'qwen4_exp' has experimental layers, which cpsim does not model"},
    {"qwen4_exp_text", "'qwen4_exp_text' has experimental layers, which cpsim does not model"},
    {"hrm_text", "'hrm_text' has layers that run several times a token in two loops, which cpsim "
                 "does not model"},
    {"blt", "'blt' has bytes in patches of changing length, which cpsim does not model"},
    {"dory", "'dory' has normalised weights without norms, which cpsim does not model"},
    {"phi3small", "'phi3small' has blocksparse attention, which cpsim does not model"},
    {"mllama", "'mllama' has layers of cross-attention to images between its own, which cpsim does "
               "not model"},
    {"mllama_text_model", "'mllama_text_model' has layers of cross-attention to images between its "
                          "own, which cpsim does not model"},
};

const char *hf_refusal(const char *type)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcmp(refused[i].type, type) == 0) {
            return refused[i].why;
        }
    }
    return NULL;
}
