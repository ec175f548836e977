"""Portuguese words that must meet, whatever their number, gender, form and accents."""

import pytest

from rag.text.terms import analyse

PAIRS = """
transações transação | transacoes transação | transacao transações | solicitações solicitação
opções opção | opcoes opção | condições condicao | informações informação | organizações organizar
milhões milhão | cartões cartão | padrões padrão | reuniões reunião | versões versão | conexões conexao
decisões decisão | questões questao | pães pão | alemães alemão | mãos mão | órgãos órgão
cidadãos cidadao | mães mãe | canais canal | legais legal | fiscais fiscal | reais real
materiais material | digitais digital | papéis papel | móveis móvel | imóveis imovel | níveis nivel
hotéis hotel | possíveis possível | disponiveis disponível | responsáveis responsavel
aplicável aplicaveis | fáceis fácil | difíceis dificil | úteis útil | frágeis frágil | contábeis contábil
lençóis lençol | azuis azul | leis lei | heróis herói | perfis perfil | civis civil | infantis infantil
homens homem | imagens imagem | itens item | bens bem | comuns comum | fins fim | jovens jovem
ordens ordem | valores valor | gestores gestor | servidores servidor | luzes luz | vezes vez | meses mês
países país | portugueses português | inglesa inglês | franceses frances | lápis lapis
relatórios relatorio | usuários usuario | usuária usuário | bancárias bancário | necessária necessário
obrigatórias obrigatório | própria próprio | benefícios beneficio | políticas politica | análises analise
créditos crédito | serviços servico | preços preço | prazos prazo | endereços endereco
orçamentos orcamento | agências agencia | ocorrências ocorrência | referencias referência
distâncias distancia | tolerância tolerancia | segurança seguranças | garantias garantia
categorias categoria | tecnologias tecnologia | museus museu | graus grau | backups backup
clusters cluster | webhooks webhook | logs log | tokens token | plugins plugin
falar falamos | falando falado | vender vendemos | vendido vendia | partir partiu | pagar pagando
pagamentos pagamento | tratamento tratamentos | gratuita gratuito | novas novo
administradora administrador | administradores administração | colaboradora colaborador
controladores controladora | clientes cliente | contratos contrato | cafés cafe | possivelmente possível
confortavelmente confortável
"""
APART = """
caos cão | pais pal | mais mal | transação transporte | contrato contador | seis sela | leis lento
maria mario
"""


def pairs(listed: str) -> list[tuple[str, ...]]:
    return [tuple(pair.split()) for line in listed.strip().splitlines() for pair in line.split(" | ")]


@pytest.mark.parametrize(("one", "other"), pairs(PAIRS))
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert analyse(one, "pt")[-1] == analyse(other, "pt")[-1]


@pytest.mark.parametrize(("one", "other"), pairs(APART))
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert analyse(one, "pt") != analyse(other, "pt")
