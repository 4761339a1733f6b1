@extends('errors.layout')
@section('headline', 'Wrong way in')
@section('advice', 'This address exists, but it does not answer to that kind of request.')
